"""How windows cover a scene, and how their answers are joined."""
