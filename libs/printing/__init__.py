"""How a paper is made: letters, numbers and moments in Vietnamese words, QR codes, Typst, processes that print."""
