"""The steps of the main job, one file each; `experiments/run.py` lists them in order."""
