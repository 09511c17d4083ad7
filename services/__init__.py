"""The services of the city. Each owns one database; none imports another; they meet in events and over HTTP."""
