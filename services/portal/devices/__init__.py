"""Devices of the halls: pairing one by a code (/thiet-bi), and its officers' list (/thiet-bi/danh-sach)."""
