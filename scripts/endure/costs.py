"""What was measured of hostile requests, held to what is promised, as a page and a picture."""

import json


def read(path):
    with open(path) as file:
        return [json.loads(line) for line in file]


def judge(records):
    return 0
