"""Reads what the exporters wrote with parsers that are not ours, and says what they found, as JSON."""

import json
import pathlib
import sys

import jsonschema
import junitparser
from prometheus_client.openmetrics.parser import text_string_to_metric_families

folder = pathlib.Path(sys.argv[1])
schemas = pathlib.Path(sys.argv[2])


def checked(name, schema):
    document = json.loads((folder / name).read_text())
    rules = json.loads((schemas / schema).read_text())
    jsonschema.Draft7Validator.check_schema(rules)
    jsonschema.Draft7Validator(rules).validate(document)
    return document


metrics = {
    family.name: {"type": family.type, "unit": family.unit, "samples": len(family.samples)}
    for family in text_string_to_metric_families((folder / "report.om.txt").read_text())
}

cases = {}
for suite in junitparser.JUnitXml.fromfile(str(folder / "report.junit.xml")):
    for case in suite:
        results = [type(result).__name__ for result in case.result]
        cases[f"{case.classname}.{case.name}"] = results[0] if results else "Passed"

bmf = checked("report.bmf.json", "bmf.schema.json")
smaller = checked("benchmark-smaller.json", "github-action-benchmark.schema.json")
bigger = checked("benchmark-bigger.json", "github-action-benchmark.schema.json")
# The report's own schema is the newest draft; the validator takes what it knows of it.
validator = jsonschema.validators.validator_for(json.loads((folder / "report.schema.json").read_text()))
validator(json.loads((folder / "report.schema.json").read_text())).validate(json.loads((folder / "report.json").read_text()))

print(json.dumps({
    "metrics": metrics,
    "cases": cases,
    "bmf": {name: sorted(measures) for name, measures in bmf.items()},
    "smaller": [entry["name"] for entry in smaller],
    "bigger": [entry["name"] for entry in bigger],
}))
