"""`docs/performance.md`, made from the results of a run: its tables (`targets`, `rivals`, `others`) and its `plots`.

`python -m bench.page` makes it again from `docs/performance/results.json`. The words between the tables stand in
`performance.md.in`.
"""
