"""The cascade notation: its grammar, in one place to read (the parser follows it rule by rule)."""

GRAMMAR = r"""
block    = { line }
line     = "in" tensor ["int"] {";" ...} | "out" tensor {";" ...}
         | ("param" | "fixed" | "let" | "rank") name "=" expr {";" name "=" expr}
         | "init" equation {";" equation} | equation
tensor   = NAME "[" [ expr {"," expr} ] "]"
equation = NAME "[" [ left {"," left} ] "]" "=" ( expr | macro ) ["where" expr {"," expr}] ["::" reduce]
left     = coord | coord "+" "1" | integer | coord "*" size "+" coord
reduce   = ("+" | "*" | "max" | "min") "(" coord {"," coord} ")"
         | ("top" | "topval") "(" coord "->" coord ")"
         | "scatter" "(" gather {"," gather} "," ("+" | "max" | "min" | "=") ")"
macro    = ("softmax" | "ln") "{" coord "}" "(" expr ")"
expr     = and {"or" and}
and      = not {"and" not}
not      = "not" not | compare
compare  = shift [("<" | "<=" | ">" | ">=" | "==" | "!=") shift]
shift    = sum {("<<" | ">>") sum}
sum      = product {("+" | "-") product}
product  = unary {("*" | "/" | "//" | "%") unary}
unary    = "-" unary | default
default  = atom ["?" unary]
atom     = number | "'" word "'" | "inf" | name | "|" coord "|" | function "(" expr {"," expr} ")"
         | NAME "[" [ index {"," index} ] "]" | "(" expr ")"
index    = expr, in which an atom may be a gather
gather   = "@" NAME "[" [ index {"," index} ] "]" ":" coord
"""

DECLARATIONS = ("in", "out", "param", "fixed", "let", "rank", "init")
WORDS = frozenset({"where", "and", "or", "not", "inf", *DECLARATIONS})
MACROS = ("softmax", "ln")
REDUCE_OPS = ("+", "*", "max", "min", "top", "topval", "scatter")
COMBINE_OPS = ("+", "max", "min", "=")
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
MAX_LENGTH = 100_000
MAX_DEPTH = 40
