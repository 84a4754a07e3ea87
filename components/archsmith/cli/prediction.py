"""The command for a trained model."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from archsmith.cli.command import JSON, command


@command("archsmith predict runs/searches/my-search/best/model.pt2 image.png --top 3")
@click.argument("model", type=click.Path())
@click.argument("images", type=click.Path(), nargs=-1, required=True)
@click.option("--top", type=click.IntRange(1), default=1, show_default=True, help="Print so many classes of each image.")
@JSON
def predict(model: str, images: tuple[str, ...], top: int, as_json: bool) -> None:
    """Classify IMAGES with an exported MODEL, a .pt2 file or an .onnx one."""
    from archsmith.evaluation.predict import predict as predict_images

    predictions = predict_images(Path(model), [Path(image) for image in images])
    if as_json:
        click.echo(json.dumps([asdict(p) for p in predictions], indent=2))
        return
    for p in predictions:
        click.echo(f"{p.image}: {', '.join(f'{label} ({probability:.1%})' for label, probability in p.top(top))}")
