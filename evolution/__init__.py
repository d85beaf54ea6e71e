"""Genomes, operators, fitness, baselines, statistics: how a better policy is found and judged."""
