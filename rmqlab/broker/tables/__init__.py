"""What a broker remembers.  No table knows a socket, a file or the time."""
