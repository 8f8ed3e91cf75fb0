"""From samples to a transcript, whichever engine decodes: regions, their languages, their words, and the doubts."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.voicemail import doubt, numbers, regions, spoken_language
from services.voicemail.activity import Activity, Span, windows
from services.voicemail.engine import RATE, Heard, Model, Segment
from services.voicemail.engines import Decoder, Look
from services.voicemail.spoken_language import HeardWindow, SpokenLanguage
from services.voicemail.vocabulary import Vocabulary

# Short enough to catch a change of language and to hear an emergency early; each costs one pass of the encoder.
REGION_S = 15.0
PAD_S = 0.3
AHEAD = 2  # regions
# Said before the second try of a region whose words came out in another language than its voice.
_PRIMERS = {
    "en": "Hello, good morning. I am calling about my account, please call me back.",
    "es": "Hola, buenos días. Llamo por mi cuenta, por favor llámeme.",
}
# What is known of all that is said in a region, however one sentence of it is heard.
_OF_THE_REGION = frozenset({doubt.Flag.OTHER_LANGUAGE, doubt.Flag.TRANSLATED, doubt.Flag.FAINT})


class Recogniser:
    """A loaded model and the center's own words."""

    def __init__(self, decoder: Decoder, vocabulary: Vocabulary) -> None:
        self._decoder = decoder
        self._vocabulary = vocabulary

    @property
    def model(self) -> Model:
        return self._decoder.model

    def hear(
        self,
        samples: NDArray[np.float32],
        languages: Sequence[str],
        so_far: Callable[[list[Segment]], None] = lambda _: None,
    ) -> Heard:
        """Everything a transcript holds. Nothing is decoded where nobody can be speaking."""
        found = regions.find(samples)
        options = {
            **self._decoder.options,
            "languages": list(languages),
            "region_s": REGION_S,
            "regions": regions.OPTIONS,
            "prompts": self._vocabulary.prompts(languages),
        }
        spans = windows(found.speech, REGION_S)
        segments: list[Segment] = []
        decoded: list[tuple[Span, dict[str, Any]]] = []
        with _Call(self._decoder, samples, found.speech, spans, languages) as call:
            for number, span in enumerate(spans):
                call.look_ahead(number)
                language = call.language_of(number)
                heard, facts = self._decode(call.look(number), span, language, found.speech)
                if language not in languages:
                    _mark(heard, doubt.Flag.OTHER_LANGUAGE)
                if found.kind_of(span) is regions.Kind.FAINT:
                    _mark(heard, doubt.Flag.FAINT)  # what was no voice after all has no words to miss
                    if doubt.is_guess(heard):
                        heard = [{**segment, "in_text": False} for segment in heard]
                        facts["unheard"] = [[round(span.start, 2), round(span.end, 2)]]
                elif missing := doubt.unheard(heard, span, found.speech):
                    facts["unheard"] = [[round(each.start, 2), round(each.end, 2)] for each in missing]
                segments += heard
                decoded.append((span, {"language": language, **facts}))
                call.forget(number)
                if segments and number + 1 < len(spans):
                    so_far(segments)
        segments = self._numbers_again(samples, segments, found.speech, decoded)
        spoken = spoken_language.decide(call.heard, languages)
        text = " ".join(segment["text"] for segment in segments if segment["in_text"])
        flags = {flag for segment in segments for flag in segment["flags"]}
        unheard = any("unheard" in facts for _, facts in decoded)
        if unheard:
            flags.add(doubt.Flag.UNHEARD)
        if not text:  # the voice, if it was one, said nothing that could be read: its language is a guess
            flags |= set() if unheard else {doubt.Flag.NO_SPEECH}
            spoken = SpokenLanguage("unknown", 0.0, spoken.evidence)
        return Heard(
            text=text,
            language=spoken.language,
            language_confidence=spoken.confidence,
            language_evidence=spoken.evidence,
            segments=segments,
            regions=regions.whole(found, decoded),
            flags=sorted(flags),
            options=options,
        )

    def _numbers_again(
        self,
        samples: NDArray[np.float32],
        segments: Sequence[Segment],
        speech: Activity,
        decoded: Sequence[tuple[Span, dict[str, Any]]],
    ) -> list[Segment]:
        """The segments, those that tell a number settled by a second hearing of the number alone.

        What the hearing that lost had heard is kept with the region in which the number ends.
        """
        out = list(segments)
        for run in reversed(numbers.told(segments)):  # a second hearing may have more segments than the first
            span, first = numbers.span_of(segments, run), segments[run.start : run.stop]
            again = self._once(self._decoder.look(_piece(samples, span)), span, first[0]["language"], "", speech)
            for flag in {flag for each in first for flag in each["flags"]} & _OF_THE_REGION:
                _mark(again, flag)
            out[run.start : run.stop], other = numbers.settled(first, again)
            begun = [facts for region, facts in decoded if region.start <= span.end]
            told = {"start": span.start, "end": span.end, "other_text": _text(other)}
            # What is timed loosely may end before the first region begins.
            (begun or [decoded[0][1]])[-1].setdefault("numbers_again", []).insert(0, told)
        return out

    def _decode(self, look: Look, span: Span, language: str, speech: Activity) -> tuple[list[Segment], dict[str, Any]]:
        """The segments of one region, decoded again where the first try cannot be what was said."""
        prompt = self._vocabulary.prompt(language)
        facts: dict[str, Any] = {}
        segments = self._once(look, span, language, prompt, speech)
        if prompt and _any(segments, doubt.Flag.PROMPT_ECHO):
            # Our own words came back, or the caller did say them: without the hint only what was said remains.
            facts["without_prompt"] = True
            segments = self._once(look, span, language, "", speech)
        elif prompt and (missing := doubt.unheard(segments, span, speech)):
            again = self._once(look, span, language, "", speech)
            if _length(doubt.unheard(again, span, speech)) < _length(missing):
                facts["without_prompt"] = True
                segments = again
        first = _text(segments)
        if doubt.is_translated(first, language):
            facts |= {"decoded_again": True, "first_text": first}
            primer = _PRIMERS.get(language, "")
            again = self._once(look, span, language, primer, speech)
            if not doubt.is_translated(_text(again), language) and not _any(again, doubt.Flag.PROMPT_ECHO):
                segments = again
            _mark(segments, doubt.Flag.TRANSLATED)
        return segments, facts

    def _once(self, look: Look, span: Span, language: str, prompt: str, speech: Activity) -> list[Segment]:
        start = max(0.0, span.start - PAD_S)
        segments = [_moved(each, start) for each in self._decoder.decode(look, language, prompt) if each["text"]]
        for segment in segments:
            # Words are timed loosely: half a second around them counts as theirs.
            active_s = speech.within(segment["start"] - 0.5, segment["end"] + 0.5)
            segment["flags"] = doubt.flags_of(segment, active_s=active_s, prompt=prompt)
            segment["in_text"] = not doubt.is_invented(segment, active_s=active_s)
        return segments


class _Call:
    """One recording while it is heard: each region is encoded once, where the engine can while another is decoded."""

    def __init__(
        self,
        decoder: Decoder,
        samples: NDArray[np.float32],
        speech: Activity,
        spans: Sequence[Span],
        languages: Sequence[str],
    ) -> None:
        self._decoder = decoder
        self._samples = samples
        self._speech = speech
        self._spans = spans
        self._languages = languages
        self._looks: dict[int, Look] = {}
        self._heard: dict[int, HeardWindow] = {}
        self._aside = ThreadPoolExecutor(1, "look")  # starts its thread at the first look ahead
        self._coming: dict[int, Future[Look]] = {}

    def __enter__(self) -> "_Call":
        return self

    def __exit__(self, *_: object) -> None:
        self._aside.shutdown(cancel_futures=True)

    @property
    def heard(self) -> list[HeardWindow]:
        """What is known of the language of the regions so far; nothing of a model that knows one language."""
        return [window for _, window in sorted(self._heard.items()) if window.probabilities]

    def look_ahead(self, number: int) -> None:
        """Let what follows a region be encoded while it is itself: the next one, and one more, so as not to wait."""
        if not self._decoder.looks_ahead:
            return
        for later in range(number + 1, min(number + 1 + AHEAD, len(self._spans))):
            if later not in self._looks and later not in self._coming:
                self._coming[later] = self._aside.submit(self._decoder.look, _piece(self._samples, self._spans[later]))

    def look(self, number: int) -> Look:
        if number not in self._looks:
            span, coming = self._spans[number], self._coming.pop(number, None)
            look = self._decoder.look(_piece(self._samples, span)) if coming is None else coming.result()
            self._looks[number] = look
            self._heard[number] = HeardWindow(span, self._speech.within(span.start, span.end), look.probabilities)
        return self._looks[number]

    def forget(self, number: int) -> None:
        self._looks.pop(number, None)

    def language_of(self, number: int) -> str:
        """What to decode a region in: its own language; where that is not sure, its neighbours'."""
        if not self.look(number).probabilities:
            return "en"
        own = spoken_language.of_region(self._heard[number], self._languages)
        if own is not None:
            return own
        before = (spoken_language.of_region(self._heard[n], self._languages) for n in range(number - 1, -1, -1))
        nearest = next((language for language in before if language is not None), None)
        if nearest is not None:
            return nearest
        for later in range(number + 1, min(number + 3, len(self._spans))):
            self.look(later)
            following = spoken_language.of_region(self._heard[later], self._languages)
            if following is not None:
                return following
        return spoken_language.likeliest(self._heard[number].probabilities, self._languages)


def _piece(samples: NDArray[np.float32], span: Span) -> NDArray[np.float32]:
    return samples[int(max(0.0, span.start - PAD_S) * RATE) : int((span.end + PAD_S) * RATE)]


def _moved(segment: Segment, by: float) -> Segment:
    """The times of a region made those of the recording."""

    def moved(values: Mapping[str, Any]) -> dict[str, Any]:
        return {**values, "start": round(values["start"] + by, 2), "end": round(values["end"] + by, 2)}

    return {**moved(segment), "words": [moved(word) for word in segment["words"]]}


def _mark(segments: Sequence[Segment], flag: doubt.Flag) -> None:
    for segment in segments:
        segment["flags"] = sorted({*segment["flags"], flag})


def _any(segments: Sequence[Segment], flag: doubt.Flag) -> bool:
    return any(flag in segment["flags"] for segment in segments)


def _length(spans: Sequence[Span]) -> float:
    return sum(span.seconds for span in spans)


def _text(segments: Sequence[Segment]) -> str:
    return " ".join(segment["text"] for segment in segments if segment["in_text"])
