"""As Hydra's example of an application has it."""

import hydra
from omegaconf import DictConfig
from work import work


@hydra.main(version_base=None, config_path=None)
def main(cfg: DictConfig) -> float:
    return work()


if __name__ == "__main__":
    main()
