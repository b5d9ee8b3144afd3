"""Load over real HTTP while the service's processes are killed, and what must hold all along."""
