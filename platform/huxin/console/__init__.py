"""HTML for people: the association's console and the members' portal, in one app (Flask, Jinja, htmx).

A page is one module in pages/, one template, its English texts in texts/en/, and its SQL in registry/console_*.py:
docs/console.md says how to add one. What no line of schemas/console/access.yaml allows is refused.
"""
