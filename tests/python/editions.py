"""What stix2 (PyPI) holds of objects of STIX 2.0 and 2.1.

Reads JSON lines {"version": "2.0" or "2.1", "object": …} from stdin and answers each with a line: null where it accepts the object,
else its complaint."""

import json
import sys
import warnings

import stix2

warnings.simplefilter("ignore")


def main():
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            stix2.parse(asked["object"], allow_custom=True, version=asked["version"])
            answer = None
        except Exception as error:  # whatever it dislikes is an answer
            answer = f"{type(error).__name__}: {error}"[:300]
        print(json.dumps(answer))


main()
