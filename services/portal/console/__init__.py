"""What officers work from: queues (/viec), search, papers to print, the register."""
