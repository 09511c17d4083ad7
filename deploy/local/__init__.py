"""The whole city on one machine: embedded servers, every service its own supervised process."""
