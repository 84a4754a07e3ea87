"""The command for a trained model."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from archsmith.cli.command import JSON, command


@command("archsmith predict runs/searches/my-search/best/model.pt2 image.png")
@click.argument("model", type=click.Path())
@click.argument("images", type=click.Path(), nargs=-1, required=True)
@JSON
def predict(model: str, images: tuple[str, ...], as_json: bool) -> None:
    """Classify IMAGES with an exported MODEL, a .pt2 file."""
    from archsmith.evaluation.predict import predict as predict_images

    predictions = predict_images(Path(model), [Path(image) for image in images])
    if as_json:
        click.echo(json.dumps([asdict(p) for p in predictions], indent=2))
        return
    for p in predictions:
        click.echo(f"{p.image}: {p.label} ({p.probabilities[p.label]:.1%})")
