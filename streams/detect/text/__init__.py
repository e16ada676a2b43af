"""Text signals: which words of a message mean something, and where in the message they stand.

Pure and fast: texts go in, codes and places come out, and nobody keeps the text. What a newcomer gets
wrong: a word is not a signal. 投诉 may be refused, reported or asked about; only its context tells.
"""
