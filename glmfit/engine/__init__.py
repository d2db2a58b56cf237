"""The fitting engine: passes over rows, the linear algebra of a step, and the loop."""
