"""ClickHouse on this machine: a process that serves chDB over ClickHouse's native protocol."""
