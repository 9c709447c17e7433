"""What operators do and watch over: the life of the keys; members' enquiries, alarms, honeytokens, limits."""
