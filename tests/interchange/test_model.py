"""Configurations of models: the workload that ships for the model comes out; families; faults."""

import json

import pytest

from accelsim.errors import SpecError
from accelsim.interchange import read_model
from accelsim.mapping import Workload

LLAMA = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_act": "silu",
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_attention_heads": 32,
    "num_hidden_layers": 32,
    "num_key_value_heads": 8,
    "rms_norm_eps": 1e-05,
}
MIXTRAL = {
    **LLAMA,
    "model_type": "mixtral",
    "hidden_size": 6144,
    "intermediate_size": 16384,
    "num_attention_heads": 48,
    "num_hidden_layers": 56,
    "num_local_experts": 8,
    "num_experts_per_tok": 2,
}
GPT2 = {"model_type": "gpt2", "n_embd": 768, "n_head": 12, "n_layer": 12, "n_inner": None}
BERT = {
    "model_type": "bert",
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_attention_heads": 12,
    "num_hidden_layers": 12,
}
FALCON = {
    "model_type": "falcon",
    "hidden_size": 4544,
    "num_attention_heads": 71,
    "num_hidden_layers": 32,
    "multi_query": True,
    "ffn_hidden_size": 18176,
}
T5 = {"model_type": "t5", "d_model": 512, "d_kv": 64, "d_ff": 2048, "num_heads": 8, "num_layers": 6}
MPT = {"model_type": "mpt", "d_model": 4096, "n_heads": 32, "n_layers": 32, "expansion_ratio": 4}


def model(tmp_path, data, **how):
    path = tmp_path / "config.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data, indent=2), encoding="utf-8")
    return read_model(path, **how)


def stages(text, tmp_path, seq, ranks=None):
    path = tmp_path / "w.yaml"
    path.write_text(text, encoding="utf-8")
    return Workload.load(str(path), seq, ranks).stages


@pytest.mark.parametrize(
    ("data", "shipped"), [(LLAMA, "llama3-8b"), (MIXTRAL, "mixtral-8x22b"), (GPT2, "gpt2")]
)
@pytest.mark.parametrize("ranks", [{}, {"P": 1, "B": 4}])
def test_is_the_workload_that_ships(tmp_path, data, shipped, ranks):
    text = model(tmp_path, data).workload()
    assert stages(text, tmp_path, 2048, ranks) == Workload.load(shipped, 2048, ranks).stages


def test_bert_sees_both_ways(tmp_path):
    text = model(tmp_path, BERT).workload()
    assert stages(text, tmp_path, 512, {"B": 64}) == Workload.load("bert", 512).stages


@pytest.mark.parametrize(
    ("data", "heads", "key_heads", "head", "inner", "causal", "gated"),
    [
        (FALCON, 71, 1, 64, 18176, True, False),
        (T5, 8, 8, 64, 2048, False, False),
        (MPT, 32, 32, 128, 16384, True, False),
        ({**LLAMA, "head_dim": 256}, 32, 8, 256, 14336, True, True),
        ({"model_type": "gemma3", "text_config": {**LLAMA, "model_type": "gemma3_text"}}, 32, 8, 128, 14336,
         True, True),
    ],
)  # fmt: skip
def test_families(tmp_path, data, heads, key_heads, head, inner, causal, gated):
    found = model(tmp_path, data)
    assert (found.heads, found.key_heads, found.head, found.inner) == (
        heads,
        key_heads,
        head,
        inner,
    )
    assert (found.causal, found.gated) == (causal, gated)


def test_what_is_guessed_is_said(tmp_path):
    found = model(tmp_path, {**LLAMA, "model_type": "novel", "sliding_window": 4096})
    assert found.gated
    assert found.causal
    assert any("novel is not known" in note for note in found.notes)
    assert any("sliding window" in note for note in found.notes)
    assert not model(tmp_path, {**LLAMA, "model_type": "novel"}, gated=False).gated


def without(key, data=LLAMA):
    return {k: v for k, v in data.items() if k != key}


@pytest.mark.parametrize(
    ("data", "place", "said"),
    [
        ("[1]", "1:1", "must be a model's config.json, not a list"),
        ('{"a": 1,}', "1:9", "must be JSON"),
        ({**without("hidden_size"), "hiden_size": 4096}, "1:1", "is it 'hiden_size'?"),
        (without("num_attention_heads"), "1:1", "must have num_attention_heads (or n_head"),
        ({**LLAMA, "num_attention_heads": "32"}, "9:26", "must be a whole number of at least 1, not '32'"),
        ({**LLAMA, "num_attention_heads": 33}, "9:26", "heads must divide the hidden size 4096, not 33"),
        ({**LLAMA, "num_key_value_heads": 5}, "11:26", "key heads must divide the 32 heads, not 5"),
        ({**LLAMA, "kv_lora_rank": 512}, "13:19", "for latent attention see the cascade mla"),
        (without("intermediate_size"), "1:1", "must have intermediate_size (or n_inner"),
    ],
)  # fmt: skip
def test_faults(tmp_path, data, place, said):
    with pytest.raises(SpecError) as error:
        model(tmp_path, data)
    assert f"config.json:{place}: " in str(error.value), str(error.value)
    assert said in str(error.value)


def test_the_command(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(LLAMA), encoding="utf-8")
    assert cli("import", "model", "config.json", "--name", "mine", "-o", "mine.yaml")[0] == 0
    assert cli("check", "mine.yaml")[0] == 0
    mine = cli("run", "fusemax", "--workload", "mine.yaml", "--seq", "512", "--json")[1]
    shipped = cli("run", "fusemax", "--workload", "llama3-8b", "--seq", "512", "--json")[1]
    assert json.loads(mine)["cycles"] == json.loads(shipped)["cycles"]
    assert "variant" not in cli("import", "model", "config.json", "--both-ways")[1]
