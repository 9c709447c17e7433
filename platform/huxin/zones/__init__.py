"""The zones as services of their own: who they are, what they hold, how they know and call one another."""
