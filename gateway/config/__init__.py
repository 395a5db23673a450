"""YAML to frozen settings: every problem at once, each with its position and a hint."""

from gateway.config.load import load_config, load_text
from gateway.config.problems import Problem, Severity
from gateway.config.settings import Loaded, Settings

__all__ = ["Loaded", "Problem", "Settings", "Severity", "load_config", "load_text"]
