"""The same work by every way of `bench.rivals`, interleaved in short blocks of one run.

For each way a process that has imported it (`service`), and forks a writer and readers when asked (`crew`, `worker`;
what those do: `workers`). This side of it is `link`. What is asked of all crews in turn: `matrix`, `curves`, `kills`.
"""
