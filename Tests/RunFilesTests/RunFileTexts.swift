/// Run files that are right, to be spoilt by tests.
enum RunFileTexts {
  static let ensemble = """
    name: demo
    seed: 7
    checkpoints: [models/a.safetensors, models/b.safetensors]
    analyses:
      files: [era5/*.nc]
    climatology: {file: models/climate.nc}
    initial_times: {from: 2026-02-01, to: 2026-02-03T00:00:00Z, every_hours: 24}
    lead_time_hours: 120
    perturbation:
      method: bred_vector
      pairs: 2
      amplitudes: computed
      amplitude_times: [2026-01-10, 2026-01-12T06]
      seed_channels: [msl]
    output:
      directory: out/demo
      quantise_bits: 12
    verification:
      variables: [msl]
      threshold: climate:mean+1std
    report: {title: A demonstration}
    """

  static let training = """
    name: t31
    seed: 1
    data:
      grid: grids/gaussian_48x96.txt
      degrees: 32
      channels: [z500, msl]
      training:
        - {files: [a_*.nc], to: 2012-12-31}
        - files: b_*.nc
      validation: {files: [c.nc], from: 2014-01-01}
    network: {embed_dim: 48}
    inputs:
      position_frequencies: 2
      season: true
      static_fields: {file: static.nc, variables: [orography]}
    optimisation:
      steps: 614
      batch_size: 8
      learning_rate: 2e-3
      warmup_steps: 50
      loss: hens-absolute
      channel_weights: {z500: 1, msl: 0.5}
    output: {checkpoint: models/t31.safetensors}
    """
}
