"""What a service is as a process: its settings from the environment, its command line."""
