"""The search file that `archsmith init` writes to start from."""

TEMPLATE = """\
# A search of Archsmith. Check it with `archsmith check`, run it with `archsmith run`.
apiVersion: archsmith.dev/v1alpha1
kind: Search
metadata:
  name: my-search             # lower case letters, digits and dashes; the search's folder and run are called so
spec:
  data:
    name: digits              # digits | fashion-mnist | cifar10 | npz | folder
    # path: images            # folder: images/CLASS/*.png, or images/train/CLASS/*.png, images/val/..., images/test/...
                              # npz: a file with x_train and y_train, or x and y; a path may be s3://bucket/key
    validation: 0.2           # share of the training images to compare candidates on
  space:
    name: chain               # `archsmith spaces` lists them
    layers: {min: 2, max: 5}
    operations: [conv, sepconv, maxpool, avgpool]
    filters: [16, 32, 64]
    kernels: [3, 5]
  strategy:
    name: evolution           # `archsmith strategies` lists them; darts, enas and others share weights
    population: 12            # parents are taken from the latest so many trials
    sample: 6                 # the best of so many drawn at random becomes a parent
  estimation:
    name: train               # candidates are compared after a short training; `archsmith estimators` lists others ...
    epochs: 4
    data: 1.0                 # ... on this share of the images
    width: 1.0                # ... with this share of the filters
    depth: 1.0                # ... of the layers
    resolution: 1.0           # ... and of the images' height and width
    max_seconds: 600          # a candidate that takes longer has failed
  training:
    optimizer: sgd            # sgd | adamw
    learning_rate: 0.1
    batch_size: 64
    # augment: [flip, crop, cutout]
  objectives:
    - {metric: accuracy, goal: maximize}
    - {metric: n_params, limit: 100000}   # a limit without a goal: candidates beyond it are not even trained
  budget:
    trials: 24
    # trainings: 24           # what all trials may cost, in full trainings' worth: what counts where a strategy has rungs
    # rounds: 3               # a barrier: all trials of a round end before the strategy is asked for the next ones
    # minutes: 30             # no trial is started after so long
  resources:
    workers: auto             # trials side by side: one a core, or one a GPU
    # gpu: 1
    # fallback: cpu           # what to do where there is no GPU: cpu | none
  retrain:
    epochs: 30                # the winner, from scratch, on all training images
    # front: 3                # with several goals: so many points of the front, the winner among them
    # trial: 12               # in a later run: another trial beside the winner, by its number, or its id in quotes
  # baseline: none            # else a linear model and a small residual network are trained too: what has the search gained?
  seed: 0
"""
