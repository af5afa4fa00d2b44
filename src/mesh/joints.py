"""Which parts hold together: a list such as "1>2, 2>3", checked to be a tree; or the tree of greatest contact."""

from __future__ import annotations

import numpy as np

from ..errors import InputError

Joints = tuple[tuple[int, int], ...]


def parse_joints(text: str) -> Joints:
    """Pairs of labels (X, Y), Y joined to X, from ``"X>Y, …"``; raises ``InputError`` for anything else."""
    pairs = []
    for item in text.replace(";", ",").split(","):
        if not item.strip():
            continue
        ends = item.split(">")
        try:
            first, second = (int(end) for end in ends)
        except ValueError:
            raise InputError(
                f"joints: '{item.strip()}' is not of the form X>Y with two labels; write for example 1>2, 2>3."
            ) from None
        pairs.append((first, second))
    return tuple(pairs)


def check_tree(joints: Joints, labels: tuple[int, ...]) -> Joints:
    """The joints outward from the first one's X, breadth first, as pairs (nearer the root, farther).

    ``InputError`` for a label that the segmentation lacks, a cycle (named), or a label that nothing joins.
    """
    for first, second in joints:
        for label in (first, second):
            if label not in labels:
                known = ", ".join(map(str, labels))
                raise InputError(f"joints: {first}>{second} names part {label}; the parts in the mask are {known}.")
    _refuse_cycle(joints)
    ordered = _outward(joints, joints[0][0] if joints else labels[0])
    reached = {label for pair in ordered for label in pair} | ({labels[0]} if not joints else set())
    loose = [label for label in labels if label not in reached]
    if loose:
        raise InputError(
            f"joints: part {', '.join(map(str, loose))} is not joined to the rest; add X>{loose[0]}, X being a part "
            "that it touches."
        )
    return ordered


def _refuse_cycle(joints: Joints) -> None:
    links: dict[int, set[int]] = {}
    for first, second in joints:
        path = _path(links, first, second)
        if path:
            shown = " > ".join(map(str, (*path, path[0]) if len(path) > 1 else (first, second)))
            raise InputError(f"joints: {shown} is a cycle; parts must form a tree, so leave one of these joints out.")
        links.setdefault(first, set()).add(second)
        links.setdefault(second, set()).add(first)


def _path(links: dict[int, set[int]], start: int, end: int) -> list[int]:
    """Labels from ``start`` to ``end`` along the links; empty if there is no way."""
    ways = [[start]]
    seen = {start}
    while ways:
        way = ways.pop()
        if way[-1] == end:
            return way
        for label in sorted(links.get(way[-1], set()) - seen):
            seen.add(label)
            ways.append([*way, label])
    return []


def _outward(joints: Joints, root: int) -> Joints:
    links: dict[int, list[int]] = {}
    for first, second in joints:
        links.setdefault(first, []).append(second)
        links.setdefault(second, []).append(first)
    ordered, seen, queue = [], {root}, [root]
    while queue:
        here = queue.pop(0)
        for label in links.get(here, []):
            if label not in seen:
                seen.add(label)
                queue.append(label)
                ordered.append((here, label))
    return tuple(ordered)


def contact_joints(labels: np.ndarray, count: int) -> Joints:
    """Joints (a, b), b joined to a: the spanning tree, of each connected group of parts, with most shared voxel faces.

    The root of each tree is the part with most joints, the largest of those with as many.
    ``labels`` (N, N, N) int has parts 0..count-1, and negative values outside the mask.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import minimum_spanning_tree

    contact = contact_faces(labels, count)
    row, column = np.nonzero(np.triu(contact))
    tree = minimum_spanning_tree(coo_matrix((-contact[row, column].astype(float), (row, column)), shape=contact.shape))
    joints = tuple((int(a), int(b)) for a, b in zip(*tree.nonzero()))
    size = np.bincount(labels[labels >= 0], minlength=count)
    ordered: Joints = ()
    degree = np.bincount(np.ravel(joints).astype(int), minlength=count)
    for root in np.lexsort((-size, -degree)):
        if all(root not in pair for pair in ordered):
            ordered += _outward(joints, int(root))
    return ordered


def contact_faces(labels: np.ndarray, count: int) -> np.ndarray:
    """(count, count) int64 number of voxel faces between each two parts."""
    contact = np.zeros((count, count), np.int64)
    for axis in range(3):
        first = np.take(labels, range(labels.shape[axis] - 1), axis)
        second = np.take(labels, range(1, labels.shape[axis]), axis)
        touching = (first >= 0) & (second >= 0) & (first != second)
        np.add.at(contact, (first[touching], second[touching]), 1)
    return contact + contact.T
