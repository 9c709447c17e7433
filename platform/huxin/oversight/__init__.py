"""What operators do and watch over: members' enquiries, alarms, honeytokens, limits."""
