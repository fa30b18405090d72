"""The shape of a path: what a provider's endpoint looks like, without anything that could be data.

``POST /v1/threads/thread_abc/runs`` has the shape ``POST /v1/threads/{}/runs``. Only words of the
list below survive, so that an id, a model, a file name, or a key that somebody put into a path does
not. A query never gets here.
"""

_VOCABULARY = """
agents alpha answers api assistants audio batch batches beta betas cachedContents calls cancel chat
classifications classifiers client_secrets coding compact completions connect containers content
contextual conversations conversion corpora count_tokens countTokens create deployments detokenize
documents edit edits embed embeddings engines evals events experimental extend extensions files fim
fine_tunes fine_tuning finetune generate generateContent generations images inference ingest
input_items input_tokens interactions items jobs knowledge memory messages models moderations music
ocr openai operations organizations outputs paas parse permissions predict predictLongRunning
predictions projects prompts query rank realtime remix rerank responses results run runs score
search serverless sessions sounds speech steps streamGenerateContent stt submit submit_tool_outputs
suffix summarize tasks text threads tokenize tools training transcribe transcription_sessions
transcriptions translate translations tts tunedModels tuning understanding uploads usage variations
vector_stores video videos vision voice voices workflows ws v1 v1alpha v1alpha1 v1beta v1beta1
v1beta2 v1beta3 v2 v2beta v3 v4 asyncBatchEmbedContent batchEmbedContents batchGenerateContent
embedContent generateAnswer
"""
"""Words of the providers' APIs."""

_WORDS = frozenset(_VOCABULARY.split())

_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_MOST_SEGMENTS = 10


def path_shape(method: str, path: str) -> str:
    """The method and the path without its query; every segment that is no API word is ``{}``.

    Of ``models/some-model:predict`` the verb is kept. A path of many segments ends in ``…``.
    """
    segments = path.partition("?")[0].strip("/").split("/")
    kept = [_shape(segment) for segment in segments[:_MOST_SEGMENTS]]
    if len(segments) > _MOST_SEGMENTS:
        kept.append("…")
    return f"{method if method in _METHODS else '{}'} /{'/'.join(kept)}"


def _shape(segment: str) -> str:
    if not segment or segment in _WORDS:
        return segment
    _, colon, verb = segment.rpartition(":")
    return f"{{}}:{verb}" if colon and verb in _WORDS else "{}"
