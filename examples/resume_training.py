"""Which species is that penguin? A training that may be killed at any moment, and goes on.

Needs PyTorch (``pip install torch``) and scitex-session-repro:

    python examples/resume_training.py --epochs 20 --out penguins

Kill it and start it again: the weights at the end are the same, to the bit, as without the kill.
What makes it so: one file holds the weights, the optimiser and the state of every generator, and
is replaced whole after each epoch.
"""

from __future__ import annotations

import argparse
import csv
import os
from hashlib import sha256
from pathlib import Path

import torch
from torch.utils.data import DataLoader

from scitex_session_repro import RandomStateManager

DATA = Path(__file__).parent / "data" / "penguins.csv"
SPECIES = ("Adelie", "Chinstrap", "Gentoo")
MEASURED = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g")
NOISE = 0.1  # of the augmentation, in standard deviations of each measurement


class Penguins:
    """Standardised measurements, each time with noise of its own."""

    def __init__(self, path: Path, rng: RandomStateManager) -> None:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if "NA" not in map(row.get, MEASURED)]
        measured = torch.tensor([[float(row[name]) for name in MEASURED] for row in rows])
        self.measured = (measured - measured.mean(0)) / measured.std(0)
        self.species = [SPECIES.index(row["species"]) for row in rows]
        self.rng = rng

    def __len__(self) -> int:
        return len(self.species)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        noise = self.rng("augmentation").normal(scale=NOISE, size=len(MEASURED))
        return self.measured[index] + torch.tensor(noise, dtype=torch.float32), self.species[index]


def save(path: Path, state: dict[str, object]) -> None:
    """Write a checkpoint beside the last one, and put it in its place in one step."""
    temporary = path.with_suffix(".tmp")
    with temporary.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def main() -> None:
    """Train, from the last checkpoint on where there is one."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--workers", type=int, default=2, help="processes that load the data")
    parser.add_argument("--out", type=Path, default=Path("penguins_training"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    checkpoint = options.out / "checkpoint.pt"

    rng = RandomStateManager(options.seed, deterministic=True)
    torch.set_num_threads(1)  # sums of another number of threads are rounded otherwise
    model = torch.nn.Sequential(
        torch.nn.Linear(len(MEASURED), 32),
        torch.nn.ReLU(),
        torch.nn.Dropout(0.2),
        torch.nn.Linear(32, len(SPECIES)),
    )
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.01)
    loader = DataLoader(
        Penguins(DATA, rng),
        batch_size=32,
        shuffle=True,
        num_workers=options.workers,
        worker_init_fn=rng.worker_init_fn,
        generator=rng.dataloader_generator("train"),
    )
    begin = 0
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(saved["model"])
        optimiser.load_state_dict(saved["optimiser"])
        rng.load_state_dict(saved["rng"])
        begin = saved["epochs"]
        print(f"going on after epoch {begin}", flush=True)

    for epoch in range(begin, options.epochs):
        total = 0.0
        for measured, species in loader:
            loss = torch.nn.functional.cross_entropy(model(measured), species)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += loss.item()
        save(
            checkpoint,
            {
                "model": model.state_dict(),
                "optimiser": optimiser.state_dict(),
                "rng": rng.state_dict(),
                "epochs": epoch + 1,
            },
        )
        print(f"epoch {epoch + 1:3d}  loss {total / len(loader):.6f}", flush=True)

    weights = sha256()
    for parameter in model.parameters():
        weights.update(parameter.detach().numpy().tobytes())
    print(f"weights {weights.hexdigest()}")


if __name__ == "__main__":
    main()
