"""The procedures the city offers (/thu-tuc): pages, search that forgives, words."""
