"""Writes random relatives of the softmax: what the rewrites must see through, or refuse."""

from __future__ import annotations

from random import Random

HEAD = """in Q[P,E]; K[M,E]; V[M,F]; B[P,M]; W[M]; U[P]; H[P,R]
out {outs}
param z = 2
"""
_WHERE = [
    "",
    "",
    "m <= p",
    "m > p + 1",
    "m % 2 == 0",
    "W[m] > 0",
    "B[p,m] > 0, m >= p - 2",
    "p < 3",
    "m*2 < z",
]
_SCORES = [
    "{x}",
    "{x} + B[p,m]",
    "{x} * U[p]",
    "{x} - 0.25*(p - m)",
    "tanh({x}) * W[m]",
    "{x} + U[p]",
    "max({x}, B[p,m])",
    "B[p,m-1] + {x}",
    "(B[p,m+1]?0) - {x}",
]
_MAXIMA = [
    "G[p] = S[p,m] :: max(m)",
    "G[p] = S[p,m] :: max(m)",
    "G1[p] = S[p,m] :: max(m)\nG2[p] = H[p,r] :: max(r)\nG[p] = max(G1[p]?-inf, G2[p])",
    "G1[p] = S[p,m] :: max(m)\nG[p] = G1[p] + U[p]",
    "G[p] = B[p,m] :: max(m)",
    "X[p] = B[p,m] :: max(m)\nT[p,m] = S[p,m] - X[p]\nG1[p] = T[p,m] :: max(m)\nG[p] = G1[p] + X[p]",
    "G[p] = S[p,m] where m >= 1 :: max(m)",
]
_WEIGHTS = [
    "exp(S[p,m] - G[p])",
    "exp(S[p,m] - G[p])",
    "exp(S[p,m] - G[p]) * W[m]",
    "exp(2*(S[p,m] - G[p]))",
    "W[m] * sqrt(exp(S[p,m] - G[p]))",
    "exp(S[p,m] - G[p]) + 3*exp(B[p,m] - G[p])",
    "exp(S[p,m] - G[p]) + 1",
    "relu(exp(S[p,m] - G[p])) / (1 + W[m]*W[m])",
    "exp(S[p,m] - G[p]) * exp(B[p,m] - G[p])",
    "exp(S[p,m]) / exp(G[p])",
    "(S[p,m] - G[p] - 1) * W[m]",
    "exp(S[p,m] - G[p]) * G[p]",
    "select(W[m] > 0, exp(S[p,m] - G[p]), 0)",
    "select(S[p,m] >= G[p] - 0.5, exp(S[p,m] - G[p]), 0)",
    "exp(S[p,m] - G[p])?0",
]
_SUMS = [
    "D[p] = N[p,m] :: +(m)",
    "D[p] = N[p,m] :: +(m)",
    "D1[p] = N[p,m] :: +(m)\nD2[p] = H[p,r]*H[p,r] :: +(r)\nD[p] = D1[p]?0 + D2[p]",
    "D[p] = N[p,m]*N[p,m] :: +(m)",
    "D[p] = abs(N[p,m]) where m != 1 :: +(m)",
]
_NORMS = [
    "N[p,m] / D[p]",
    "N[p,m] / D[p]",
    "N[p,m] * rsqrt(D[p]*D[p] + 1)",
    "N[p,m] / D[p] / D[p]",
    "N[p,m] / (1 + D[p])",
    "N[p,m] - D[p]",
    "(N[p,m] - D[p]) / D[p]",
    "z * N[p,m] / (D[p] * 2)",
]
_RESULTS = [
    "Y{i}[p,f] = A[p,m] * V[m,f] :: +(m)",
    "Y{i}[p,f] = A[p,m] * V[m,f] where m != p :: +(m)",
    "Y{i}[p,f] = A[p,m] * V[m-p,f] :: +(m)",
    "Y{i}[p] = A[p,m] * A[p,m] :: +(m)",
    "Y{i}[p] = A[p,m] :: max(m)",
    "Y{i}[p] = A[p,m] :: min(m)",
    "Y{i}[m] = A[p,m] :: +(p)",
    "Y{i}[] = A[p,m] * U[p] :: +(p,m)",
    "Y{i}[p,m] = A[p,m]",
    "Y{i}[f] = A[p,m] * V[m,f] * U[p] where p <= m :: +(p,m)",
    "J{i}[p,k] = A[p,m] :: top(m->k)\nY{i}[p,f] = V[@J{i}[p,k]:m,f] :: +(k)",
    "Y{i}[p,k] = A[p,m] where m != 2 :: topval(m->k)",
    "Z{i}[p] = A[p,m] :: +(m)\nY{i}[p] = Z{i}[p]?7",
    "Z{i}[p] = A[p,m] * W[m] where m > 2 :: +(m)\nY{i}[p] = exp(Z{i}[p])",
    "Y{i}[p] = N[p,m] where D[p] > 1.3 :: +(m)",
]


def write(random: Random) -> str:
    """Return the text of a cascade; sizes P, M, E, F, R of at least 0."""
    pick = random.choice
    conditions = pick(_WHERE)
    x = f"X0[p,m] = Q[p,e] * K[m,e]{f' where {conditions}' if conditions else ''} :: +(e)"
    results = [pick(_RESULTS).format(i=i) for i in range(1 + random.randrange(3))]
    norms = _NORMS
    if any("top(" in r for r in results):  # a shift rounds: it would make values equal
        norms = [n for n in _NORMS if " - " not in n]
    lines = [
        x,
        f"S[p,m] = {pick(_SCORES).format(x='X0[p,m]')}",
        pick(_MAXIMA),
        f"N[p,m] = {pick(_WEIGHTS)}",
        pick(_SUMS),
        f"A[p,m] = {pick(norms)}",
        *results,
    ]
    axes = {"p": "P", "m": "M", "f": "F", "k": "z"}
    lefts = [r.rsplit("\n", 1)[-1].split(" = ")[0] for r in results]
    outs = [
        f"{left.split('[')[0]}[{','.join(axes[c] for c in left[left.index('[') + 1 : -1].split(',') if c)}]"
        for left in lefts
    ]
    ranks = "rank k = z\n" if any("k]" in r for r in results) else ""
    return HEAD.format(outs="; ".join(outs)) + ranks + "\n".join(lines)
