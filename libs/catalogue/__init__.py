"""What the city offers, read from `catalogue/`: procedures, agencies, working time, units, identifiers."""

from libs.catalogue.agencies import Agency, Role
from libs.catalogue.calendar import WorkingCalendar
from libs.catalogue.catalogue import Catalogue, Field, Group
from libs.catalogue.conditions import Condition, Option, Options
from libs.catalogue.errors import (
    AmbiguousUnit,
    CatalogueError,
    NotEffective,
    UnknownAgency,
    UnknownForm,
    UnknownProcedure,
)
from libs.catalogue.forms import Problem
from libs.catalogue.limits import Limit
from libs.catalogue.paper_forms import PaperForm, PaperForms
from libs.catalogue.procedures import Component, Fee, Procedure, Result, Source, Step
from libs.catalogue.time_limits import TimeLimit
from libs.catalogue.units import Units

__all__ = [
    "Agency",
    "AmbiguousUnit",
    "Catalogue",
    "CatalogueError",
    "Component",
    "Condition",
    "Fee",
    "Field",
    "Group",
    "Limit",
    "NotEffective",
    "Option",
    "Options",
    "PaperForm",
    "PaperForms",
    "Problem",
    "Procedure",
    "Result",
    "Role",
    "Source",
    "Step",
    "TimeLimit",
    "Units",
    "UnknownAgency",
    "UnknownForm",
    "UnknownProcedure",
    "WorkingCalendar",
]
