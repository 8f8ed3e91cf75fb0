"""Teaching the second opinion on topics."""

from dataclasses import replace

import numpy as np

from services.tickets.triage.features import document
from training.model import documents_of
from training.reader import taught
from training.samples import Sample, Says, corpus

TOPICS = ("billing_dispute", "move_start_stop")


def samples() -> list[Sample]:
    """Messages that differ by nothing but the order of their words."""
    [one] = [each for each in corpus() if each.id == "tasha/1"]
    said = {
        "billing_dispute": "the {} charges me and i do not move",
        "move_start_stop": "i move and the {} do not charges me",
    }
    places = ("house", "kitchen", "office", "shop", "church", "farm", "garage", "school", "store", "room") * 6
    return [
        replace(one, subject="", text=text.format(place), topic=topic, also=())
        for topic, text in said.items()
        for place in places
    ]


def test_order_alone_is_learned_and_twice_the_same() -> None:
    lessons = samples()
    documents = documents_of(lessons)
    first, second = taught(documents, lessons, TOPICS), taught(documents, lessons, TOPICS)
    for topic, text in zip(
        TOPICS, ("the barn charges me and i do not move", "i move and the barn do not charges me"), strict=True
    ):
        assert TOPICS[int(first.scores(document(text).said).argmax())] == topic
    assert all(
        (one == other).all()
        for one, other in zip((*first.filters, first.words), (*second.filters, second.words), strict=True)
    )


def test_what_tells_no_topic_teaches_none() -> None:
    lessons = [replace(each, weights={Says.DANGER: 1.0}) for each in samples()[:3]]
    reader = taught(documents_of(lessons), lessons, TOPICS)
    assert np.isfinite(reader.scores(document("hello").said)).all()
