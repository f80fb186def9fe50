"""Credit lines and guarantees for government-procurement suppliers, decided on their transaction record."""
