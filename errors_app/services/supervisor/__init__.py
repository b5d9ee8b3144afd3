"""Everything on one machine: a small family of processes that lives and dies together."""
