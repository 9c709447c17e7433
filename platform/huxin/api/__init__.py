"""HTTP for machines: the one room that knows of Flask. The rules themselves lie below it.

How a module adds its interfaces, and what it may count on:

- It has a function `register(app: APIFlask) -> None`, named in `huxin.api.app.MODULES`, which calls
  `huxin.api.routes.add(app, Route(...), view)` once an interface. `Route` says method, path, who may call, what body
  is taken, what is answered, which error codes are told; OpenAPI is made from it, never from the view.
- The view is plain: it gets `caller` (huxin.api.caller.Caller: member_id, code, role, scopes, key_id) first where the
  route has an `access`, then the path's variables by name, then `body=` (the pydantic model) where one is declared,
  and returns a response of huxin.api.answers.answer (a dict, a model, or bytes of JSON). `huxin.api.shell.shell()`
  gives settings, the pool of the app's role (`live`) and the rest. `huxin.api.bodies.read_body()` has the body's
  bytes, as often as one asks.
- It raises HuxinError; huxin.api.problems makes problem+json of it. The HTTP status stands beside the texts in
  schemas/errors.yaml (`status:`). A code without one is taken for a fault of ours: the caller gets H1125 and a number.
  Facts are told to the caller. A fact `retry_s` becomes the header Retry-After. A lost
  database is H1101 (503) always.
- Pages: huxin.api.paging. Quotas: huxin.api.limits.require_quota and rate_headers.
- Each route needs its line in schemas/api/access.yaml (route x role -> status), or the tests fail, which are made
  from it; and `make openapi` writes schemas/openapi.yaml anew.
- No hooks around requests, and nothing logged of a request but by `--access-log`: route, status, time, member.
"""
