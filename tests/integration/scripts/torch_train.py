"""A training loop: Dataset, DataLoader with workers, checkpoints, validation."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

import scitex_session as stx


class Spirals(Dataset):
    def __init__(self, size, generator):
        turn = torch.rand(size, generator=generator) * 6
        self.label = torch.arange(size) % 2
        angle = turn + torch.pi * self.label
        self.points = torch.stack([turn * angle.cos(), turn * angle.sin()], dim=1) / 6

    def __len__(self):
        return len(self.label)

    def __getitem__(self, index):
        noise = torch.randn(2) * 0.01
        return self.points[index] + noise, self.label[index]


def accuracy(model, data):
    with torch.no_grad():
        return (model(data.points).argmax(dim=1) == data.label).float().mean().item()


@stx.session(seed=5)
def train(epochs: int = 3, lr: float = 0.02, workers: int = 2):
    data = Spirals(256, rngg.get_torch_generator("data"))
    model = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    loader = DataLoader(
        data,
        batch_size=32,
        shuffle=True,
        num_workers=workers,
        generator=rngg.dataloader_generator(),
        worker_init_fn=rngg.worker_init_fn,
    )
    for epoch in range(epochs):
        total = 0.0
        for points, label in loader:
            loss = nn.functional.cross_entropy(model(points), label)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.detach()
        stx.log(epoch, loss=total / len(loader), accuracy=accuracy(model, data))
        stx.io.save(model.state_dict(), f"checkpoints/{epoch}.pt")
    print(f"accuracy {accuracy(model, data):.3f}")
    return {"accuracy": accuracy(model, data), "loss": total / len(loader), "model": model}


if __name__ == "__main__":
    train()
