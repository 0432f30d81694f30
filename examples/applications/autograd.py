"""A client in forty lines: it posts requests to an autograd server and returns the answers. Python's standard library is all it needs;
any language that speaks HTTP and JSON has the same forty lines."""

import http.client
import json
import os
import urllib.parse


class Problem(Exception):
    """What the server refused, in its words."""

    def __init__(self, problem):
        super().__init__(f"{problem.get('code')}: {problem.get('detail')} (at {problem.get('pointer')})")
        self.problem = problem


class Server:
    """One connection, kept open over all requests. The address comes from AUTOGRAD_URL unless it is given."""

    def __init__(self, url=None):
        url = url or os.environ.get("AUTOGRAD_URL", "http://127.0.0.1:8080")
        self.connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=60)

    def post(self, endpoint, **request):
        """Posts to /v1/<endpoint>; tensors come back as bare nested numbers unless `encoding` says otherwise."""
        body = json.dumps({"encoding": "values", **request})
        self.connection.request("POST", f"/v1/{endpoint}", body, {"Content-Type": "application/json"})
        response = self.connection.getresponse()
        answer = json.loads(response.read())
        if response.status != 200:
            raise Problem(answer)
        return answer


def node(op, *inputs, to, **attributes):
    """A node of a graph; `to` names its result, or lists the names of several."""
    written = {"op": op, "inputs": list(inputs), "outputs": [to] if isinstance(to, str) else to}
    return {**written, "attributes": attributes} if attributes else written
