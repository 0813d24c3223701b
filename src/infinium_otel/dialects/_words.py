"""The words of an attribute's key, in English as far as they are known.

Source for the other languages: the words under which applications write a model, its
tokens, questions and answers in German, French, Spanish, Italian, Portuguese, Dutch,
Polish, Russian, Chinese, Japanese and Korean.
"""

from __future__ import annotations

import re
import unicodedata

from infinium_otel.records.caching import cache_names

MAX_KEY = 200
MAX_CACHED_KEYS = 10_000

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")

_IN_ENGLISH = {
    word: english
    for english, line in {
        "model": "modell modele modelo modello modeli modelu mdl модель 模型 モデル 모델",
        "tokens": (
            "tok toks tkn tkns jeton jetons tokeny tokenow tokenes токены токенов トークン 토큰 "
            "令牌 词元"
        ),
        "input": (
            "eingabe eingang girdi entrada entree ingresso invoer wejscie wejsciowe вход 输入 入力 "
            "입력"
        ),
        "output": (
            "ausgabe ausgang cikti salida saida sortie uscita uitvoer wyjscie wyjsciowe выход 输出 "
            "出力 출력"
        ),
        "usage": "verbrauch uso utilisation utilizzo verbruik zuzycie 用量 使用量",
        "question": (
            "frage fraga soru pregunta pergunta domanda vraag pytanie vopros вопрос 问题 質問 질문"
        ),
        "answer": (
            "antwort svar cevap reponse respuesta resposta risposta antwoord odpowiedz otvet ответ "
            "回答 答案 応答 답변"
        ),
        "prompt": "提示 提示词 プロンプト 프롬프트 промпт",
    }.items()
    for word in line.split()
}


AI_WORDS = frozenset(
    "ai llm llms genai gpt ki ia openinference traceloop openai anthropic langchain "
    "langgraph langsmith langwatch llamaindex crewai autogen mcp litellm agentops mastra "
    "genkit ollama huggingface".split()
)
"""Words of keys that are about models; a wizard has prompts, a course a completion."""


@cache_names(maxsize=MAX_CACHED_KEYS)
def split_words(key: str) -> tuple[str, ...]:
    """The words of a key in lower case: `llm.userId` is llm, user, id."""
    key = key[:MAX_KEY]
    if not key.isascii():
        key = _remove_accents(key)
    words = (word.lower() for word in _WORD.findall(key))
    return tuple(_IN_ENGLISH.get(word, word) for word in words)


def _remove_accents(key: str) -> str:
    parts = unicodedata.normalize("NFKD", key)
    bare = "".join(part for part in parts if not "\u0300" <= part <= "\u036f")
    return unicodedata.normalize("NFC", bare)


@cache_names(maxsize=MAX_CACHED_KEYS)
def names_ai(key: str) -> bool:
    """Whether a key has a word of models: `gen_ai.system`, `acme.llm.vendor`."""
    return not AI_WORDS.isdisjoint(split_words(key))
