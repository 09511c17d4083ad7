"""What citizens open: tracking by code (/tra-cuu) or link (/h), and whether a paper is valid (/xac-minh)."""
