"""The night: what a nation's suppliers are worth lending to by tomorrow, in steps that survive being killed."""
