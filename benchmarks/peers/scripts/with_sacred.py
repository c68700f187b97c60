"""As the quickstart of Sacred has it."""

from sacred import Experiment
from sacred.observers import FileStorageObserver
from work import work

ex = Experiment("bench")
ex.observers.append(FileStorageObserver("runs"))


@ex.config
def config():
    number = 0


@ex.automain
def main(number):
    return work()
