"""The commands of a member's first call, in plain sh with openssl and curl: whatever else it uses, these work."""

from __future__ import annotations

_MAKE = """\
openssl genpkey -algorithm ed25519 -out {code}.pem
openssl pkey -in {code}.pem -pubout"""
# RFC 7523: an assertion signed by the member's own key gets a token, and the token a call.
_CALL = r"""API=@api CODE=@code KEY=@number
b64() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
NOW=$(date +%s)
HEAD=$(printf '{"alg":"EdDSA","kid":"%s"}' "$KEY" | b64)
BODY=$(printf '{"iss":"%s","sub":"%s","aud":"%s/oauth/token","iat":%d,"exp":%d,"jti":"%s"}' \
  "$CODE" "$CODE" "$API" "$NOW" "$((NOW+60))" "$(openssl rand -hex 16)" | b64)
printf '%s.%s' "$HEAD" "$BODY" > assertion.tmp
SIGN=$(openssl pkeyutl -sign -rawin -inkey "$CODE.pem" -in assertion.tmp | b64)
TOKEN=$(curl -sS "$API/oauth/token" -d grant_type=client_credentials \
  -d client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer \
  -d "client_assertion=$HEAD.$BODY.$SIGN" | sed 's/.*"access_token" *: *"\([^"]*\)".*/\1/')
curl -sS "$API/v1/whoami" -H "Authorization: Bearer $TOKEN"
"""


def make_key(code: str) -> str:
    """Makes a key pair in CODE.pem and prints its public half."""
    return _MAKE.format(code=code)


def first_call(api: str, code: str, number: str) -> str:
    """Gets a token by the key in CODE.pem, registered under that number, and asks the API how it stands."""
    return _CALL.strip().replace("@api", api).replace("@code", code).replace("@number", number)
