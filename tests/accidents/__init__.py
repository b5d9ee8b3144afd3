"""What machines do to a service, done to real processes: full disks, locks, restarts, clocks."""
