"""Reports are refused at the door before they can do harm."""
