"""A registry of invented people to build an integration against: fixed test subjects, one for each flag and outcome."""
