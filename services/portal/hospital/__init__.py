"""The hospital's screens: declaring a birth (/bv/khai-bao), the beds (/bv), handing over there, XML9 files."""
