"""Judgement: packs in YAML are checked, compiled and judged; the answer is a verdict."""
